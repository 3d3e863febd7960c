/**
 * Schemas that contracts import by an address of a standards body and do not bring along: WS-Addressing, whose endpoint
 * references stand in many types. They are said here in short, so that nothing is fetched from there.
 */
import { parseXml, type XmlElement } from "../../formats/xml.ts";

/** WS-Addressing 1.0 - Core, section 2.2 and 3.2. */
const addressing = `<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:a="http://www.w3.org/2005/08/addressing"
  targetNamespace="http://www.w3.org/2005/08/addressing" elementFormDefault="qualified">
  <xs:complexType name="AttributedURIType"><xs:simpleContent><xs:extension base="xs:anyURI"><xs:anyAttribute/></xs:extension></xs:simpleContent></xs:complexType>
  <xs:complexType name="AttributedQNameType"><xs:simpleContent><xs:extension base="xs:QName"><xs:anyAttribute/></xs:extension></xs:simpleContent></xs:complexType>
  <xs:complexType name="ReferenceParametersType"><xs:sequence><xs:any minOccurs="0" maxOccurs="unbounded"/></xs:sequence><xs:anyAttribute/></xs:complexType>
  <xs:complexType name="MetadataType"><xs:sequence><xs:any minOccurs="0" maxOccurs="unbounded"/></xs:sequence><xs:anyAttribute/></xs:complexType>
  <xs:complexType name="EndpointReferenceType"><xs:sequence><xs:element name="Address" type="a:AttributedURIType"/>
    <xs:element ref="a:ReferenceParameters" minOccurs="0"/><xs:element ref="a:Metadata" minOccurs="0"/>
    <xs:any minOccurs="0" maxOccurs="unbounded"/></xs:sequence><xs:anyAttribute/></xs:complexType>
  <xs:complexType name="RelatesToType"><xs:simpleContent><xs:extension base="xs:anyURI"><xs:attribute name="RelationshipType" type="xs:anyURI"/><xs:anyAttribute/></xs:extension></xs:simpleContent></xs:complexType>
  <xs:element name="ReferenceParameters" type="a:ReferenceParametersType"/><xs:element name="Metadata" type="a:MetadataType"/>
  <xs:element name="EndpointReference" type="a:EndpointReferenceType"/><xs:element name="MessageID" type="a:AttributedURIType"/>
  <xs:element name="RelatesTo" type="a:RelatesToType"/><xs:element name="To" type="a:AttributedURIType"/><xs:element name="Action" type="a:AttributedURIType"/>
  <xs:element name="ReplyTo" type="a:EndpointReferenceType"/><xs:element name="From" type="a:EndpointReferenceType"/><xs:element name="FaultTo" type="a:EndpointReferenceType"/>
  <xs:element name="ProblemAction"><xs:complexType><xs:sequence><xs:any minOccurs="0" maxOccurs="unbounded"/></xs:sequence><xs:anyAttribute/></xs:complexType></xs:element>
  <xs:attribute name="IsReferenceParameter" type="xs:boolean"/>
</xs:schema>`;

const texts: ReadonlyMap<string, string> = new Map([["http://www.w3.org/2005/08/addressing", addressing]]);

export function isKnownSchema(namespace: string): boolean {
  return texts.has(namespace);
}

/** The root of the schema for a namespace of `isKnownSchema`. */
export function knownSchema(namespace: string): XmlElement {
  return parseXml(texts.get(namespace) ?? "");
}
