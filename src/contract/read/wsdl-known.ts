/**
 * Schemas that contracts import by an address of a standards body and do not bring along, or name without any import: WS-Addressing,
 * whose endpoint references stand in many types, links, signatures, and what Apache's servers send for maps and lists. They are said
 * here in short, so that nothing is fetched from there.
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

/** WS-Addressing of August 2004 (W3C member submission), section 2.2 and 3.1. */
const submitted = `<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing"
  targetNamespace="http://schemas.xmlsoap.org/ws/2004/08/addressing" elementFormDefault="qualified">
  <xs:complexType name="AttributedURI"><xs:simpleContent><xs:extension base="xs:anyURI"><xs:anyAttribute/></xs:extension></xs:simpleContent></xs:complexType>
  <xs:complexType name="AttributedQName"><xs:simpleContent><xs:extension base="xs:QName"><xs:anyAttribute/></xs:extension></xs:simpleContent></xs:complexType>
  <xs:complexType name="ServiceNameType"><xs:simpleContent><xs:extension base="xs:QName"><xs:attribute name="PortName" type="xs:NCName"/><xs:anyAttribute/></xs:extension></xs:simpleContent></xs:complexType>
  <xs:complexType name="ReferenceParametersType"><xs:sequence><xs:any minOccurs="0" maxOccurs="unbounded"/></xs:sequence></xs:complexType>
  <xs:complexType name="EndpointReferenceType"><xs:sequence><xs:element name="Address" type="a:AttributedURI"/>
    <xs:element name="ReferenceProperties" type="a:ReferenceParametersType" minOccurs="0"/><xs:element name="ReferenceParameters" type="a:ReferenceParametersType" minOccurs="0"/>
    <xs:element name="PortType" type="a:AttributedQName" minOccurs="0"/><xs:element name="ServiceName" type="a:ServiceNameType" minOccurs="0"/>
    <xs:any minOccurs="0" maxOccurs="unbounded"/></xs:sequence><xs:anyAttribute/></xs:complexType>
  <xs:complexType name="Relationship"><xs:simpleContent><xs:extension base="xs:anyURI"><xs:attribute name="RelationshipType" type="xs:QName"/><xs:anyAttribute/></xs:extension></xs:simpleContent></xs:complexType>
  <xs:element name="EndpointReference" type="a:EndpointReferenceType"/><xs:element name="MessageID" type="a:AttributedURI"/><xs:element name="RelatesTo" type="a:Relationship"/>
  <xs:element name="To" type="a:AttributedURI"/><xs:element name="Action" type="a:AttributedURI"/><xs:element name="From" type="a:EndpointReferenceType"/>
  <xs:element name="ReplyTo" type="a:EndpointReferenceType"/><xs:element name="FaultTo" type="a:EndpointReferenceType"/>
</xs:schema>`;

/** XML Linking Language 1.1, section 3 and 5. */
const links = `<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:l="http://www.w3.org/1999/xlink" targetNamespace="http://www.w3.org/1999/xlink">
  ${["type", "href", "role", "arcrole", "title", "show", "actuate", "label", "from", "to"].map((name) => `<xs:attribute name="${name}" type="xs:string"/>`).join("")}
  ${["simpleLink", "simpleAttrs"].map((name) => `<xs:attributeGroup name="${name}">${["type", "href", "role", "arcrole", "title", "show", "actuate"].map((each) => `<xs:attribute ref="l:${each}"/>`).join("")}</xs:attributeGroup>`).join("")}
</xs:schema>`;

/** What is signed and how is left open (XML Signature Syntax and Processing, section 4): a signature is made and checked elsewhere. */
const signature = open("http://www.w3.org/2000/09/xmldsig#", [
  ...[
    "Signature",
    "SignedInfo",
    "SignatureValue",
    "KeyInfo",
    "KeyValue",
    "X509Data",
    "Object",
    "Reference",
    "Transforms",
  ],
  ...["CanonicalizationMethod", "SignatureMethod", "DigestMethod", "RSAKeyValue", "DSAKeyValue", "RetrievalMethod"],
]);

/** SOAP Message Security 1.0: the header is written by the connector, and its elements are left open where a body holds them. */
const security = open("http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd", [
  ...["Security", "UsernameToken", "BinarySecurityToken", "SecurityTokenReference", "Reference", "KeyIdentifier"],
]);

/** A Map is pairs of anything, a Vector a list of anything (Apache SOAP and Axis, type mapping). */
const apache = `<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:a="http://xml.apache.org/xml-soap" targetNamespace="http://xml.apache.org/xml-soap">
  <xs:complexType name="mapItem"><xs:sequence><xs:element name="key" type="xs:anyType" nillable="true"/><xs:element name="value" type="xs:anyType" nillable="true"/></xs:sequence></xs:complexType>
  <xs:complexType name="Map"><xs:sequence><xs:element name="item" type="a:mapItem" minOccurs="0" maxOccurs="unbounded"/></xs:sequence></xs:complexType>
  <xs:complexType name="Vector"><xs:sequence><xs:element name="item" type="xs:anyType" minOccurs="0" maxOccurs="unbounded"/></xs:sequence></xs:complexType>
  <xs:complexType name="Element"><xs:sequence><xs:any/></xs:sequence></xs:complexType>
  <xs:complexType name="Document"><xs:sequence><xs:any/></xs:sequence></xs:complexType>
</xs:schema>`;

/** Elements, and a type `...Type` for each, of which only the names are known. */
function open(namespace: string, names: readonly string[]): string {
  const each = names.map(
    (
      name,
    ) => `<xs:complexType name="${name}Type" mixed="true"><xs:sequence><xs:any minOccurs="0" maxOccurs="unbounded"/></xs:sequence><xs:anyAttribute/></xs:complexType>
      <xs:element name="${name}" type="o:${name}Type"/>`,
  );
  return `<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:o="${namespace}" targetNamespace="${namespace}">${each.join("")}</xs:schema>`;
}

const texts: ReadonlyMap<string, string> = new Map([
  ["http://www.w3.org/2005/08/addressing", addressing],
  ["http://schemas.xmlsoap.org/ws/2004/08/addressing", submitted],
  ["http://www.w3.org/1999/xlink", links],
  ["http://www.w3.org/2000/09/xmldsig#", signature],
  ["http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd", security],
  ["http://xml.apache.org/xml-soap", apache],
]);

export const knownNamespaces: readonly string[] = [...texts.keys()];

export function isKnownSchema(namespace: string): boolean {
  return texts.has(namespace);
}

/** The root of the schema for a namespace of `isKnownSchema`. */
export function knownSchema(namespace: string): XmlElement {
  return parseXml(texts.get(namespace) ?? "");
}
